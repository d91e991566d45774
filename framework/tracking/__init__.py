"""Programs that show runs beside each other, and how they are told of one."""

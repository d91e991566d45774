"""What a run can do, one file per mode."""

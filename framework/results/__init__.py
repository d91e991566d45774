"""What a run leaves behind: metrics, tables, files, report."""

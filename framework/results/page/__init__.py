"""The parts of the report page: words, sections and the files that make it look and act."""

"""A live session: its clock, its journal, and what it trades with."""

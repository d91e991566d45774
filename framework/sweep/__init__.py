"""Many trials of one strategy: how they are named, launched, judged and kept."""

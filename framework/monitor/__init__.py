"""Ways of letting another program watch a session."""

"""Ways of telling a person what happened."""

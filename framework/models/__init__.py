"""The models, one per file: each learns from past bars and predicts columns that rules can use."""

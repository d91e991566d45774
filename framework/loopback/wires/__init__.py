"""The five wire protocols, one exchange each."""

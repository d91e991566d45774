"""What a sweep's best trial is worth: statistics of many trials, and the page that shows them."""

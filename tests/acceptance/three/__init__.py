"""One market script on three venues: memory, paper, and Bybit's protocol over loopback."""

"""What grid and supplier say: clients, models, and when it is best to consume (pure: sessions are handed in)."""

"""What runs inside client pods."""

"""What operators watch: health, metrics, alerts. Everything here is read only."""

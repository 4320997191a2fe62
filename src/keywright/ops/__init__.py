"""What whoever runs Keywright sees of it: log lines and metrics."""

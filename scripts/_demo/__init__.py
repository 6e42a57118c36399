"""The demo: Home Assistant with the integration and an emulated meter, to look at or to check."""

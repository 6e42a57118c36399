"""Keys of what the user said of a remote site."""

SUBENTRY_SITE = "site"

ATTR_SUBENTRY = "subentry_id"
"""Which site is to be given new credentials."""

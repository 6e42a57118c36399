"""The other side of every wire: meters and services to develop, test and show Flex Ready against."""

"""Conformity: which criteria of the Flex Ready referential an installation meets today."""

"""The emulated servers as one program: RTE, a supplier, the Flex Ready emulator of Annex 2, an identity provider."""

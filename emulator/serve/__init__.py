"""The emulated servers as one program: RTE, both annexes of Flex Ready, an identity provider."""

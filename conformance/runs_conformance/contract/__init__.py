"""The contract as data: editions, operations, the lifecycle, and the schemas with their constraints."""

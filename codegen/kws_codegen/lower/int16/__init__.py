"""How operators on int16 activations become kernel calls, where int8 ones become others: `operators` lists them."""

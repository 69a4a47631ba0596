"""Side-by-side measurements: `make bench`. Nothing here is part of the product."""

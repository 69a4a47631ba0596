"""Everything kept in PostgreSQL: the server launcher, the tables, and one module per thing stored."""

"""Makes the sample catalog, its queries and its listeners; everything is invented and seeded."""

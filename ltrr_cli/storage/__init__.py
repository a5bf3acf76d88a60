"""The bytes: atomic files, the lock, manifests, generations, the journal."""

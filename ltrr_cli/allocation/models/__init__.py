"""The models behind the policies: regressions, histories, similar examples."""

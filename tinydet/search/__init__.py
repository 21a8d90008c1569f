"""The search of section 4.2: networks drawn, trained and recorded by many workers."""

"""The ground floor: settings, secrets, database types, presets. Imports none of the other rooms."""

"""From conditioned EMG to intent: features, models, and what is made of a model's scores."""

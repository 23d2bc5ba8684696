//! What a user writes in farm.yaml.

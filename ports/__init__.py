"""What the core needs from the world, and what the world may ask of the desk."""

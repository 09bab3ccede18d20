"""What happens in a visit: a pure state machine and the controller that carries out its effects."""

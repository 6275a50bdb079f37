"""``python -m distillir``, and what ``accelerate launch -m distillir`` runs."""

from distillir.cli import main

main()

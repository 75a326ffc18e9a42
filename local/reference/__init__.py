"""docs/reference/, made from the models, the operator's checks and the metrics, so that it cannot differ from them."""

"""Images that are made to harm whoever reads them."""

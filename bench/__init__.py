"""`make bench`: what previews, ups and state cost, beside a program that has none of our code."""

"""What stands around an app in its namespace: who may reach it, what it may use, who may look at it.

Pure functions make the specs, `resources.py` registers them. Helm owns what is inside a release, none of this.
"""

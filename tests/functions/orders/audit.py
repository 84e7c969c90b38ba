"""A task: gets what was asked and answered on its standard input."""
import json
import sys

document = json.load(sys.stdin)
print(f"audit: order {document['event']['order']} is {document['response']['state']}", flush=True)

"""Start a Ray cluster of two nodes with a processor each; end it when standard input ends."""

import json
import sys

from ray.cluster_utils import Cluster

cluster = Cluster()
for _ in range(2):
    cluster.add_node(num_cpus=1, include_dashboard=False, object_store_memory=100_000_000)
cluster.wait_for_nodes()
pids = {
    node.node_id: node.all_processes["raylet"][0].process.pid for node in cluster.list_all_nodes()
}
print(json.dumps({"address": cluster.address, "nodes": pids}), flush=True)
sys.stdin.read()
cluster.shutdown()

# What Prometheus would read of a machine that runs, from the address in the first argument: the page is well-formed, and says
# what virsh and the guests have done.
import re
import sys
import urllib.request

NUMBER = r"[0-9.e+-]+|\+Inf"
LABELS = r'\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\}'

with urllib.request.urlopen(sys.argv[1], timeout=30) as answer:
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4"), answer.headers
    page = answer.read().decode()

samples, types = {}, {}
for line in page.splitlines():
    if line.startswith("# TYPE "):
        _, _, name, kind = line.split(" ")
        assert name not in types, line
        types[name] = kind
    elif not line.startswith("# HELP "):
        found = re.fullmatch(f"([a-z_]+)({LABELS})? ({NUMBER})", line)
        assert found, line
        base = re.sub("_(bucket|sum|count)$", "", found[1])
        assert found[1] in types or types.get(base) == "histogram", line
        assert found[1] + (found[2] or "") not in samples, line
        samples[found[1] + (found[2] or "")] = float(found[3])


def total(name, *labels):
    return sum(value for key, value in samples.items() if key.startswith(name + "{") and all(l in key for l in labels))


assert samples["bulkhead_up"] == 1 and samples["bulkhead_statistics_up"] == 1, page
running = 0
for partition, cores in ("control-loop", 1), ("workload", 2):
    label = f'partition="{partition}"'
    assert samples[f"bulkhead_partition_cores{{{label}}}"] == cores, page
    assert total("bulkhead_partition_state", label) == 1, page
    assert samples[f"bulkhead_partition_starts_total{{{label}}}"] > 0, page
    is_running = samples[f'bulkhead_partition_state{{{label},state="running"}}']
    running += is_running
    assert (total("bulkhead_exits_total", label, 'reason="cpuid"') > 100) == is_running, page
    assert (total("bulkhead_exits_total", label, f'vcpu="{cores - 1}"') > 0) == is_running, page
    assert total("bulkhead_exits_total", label, f'vcpu="{cores}"') == 0, page
assert running > 0, page
assert total("bulkheadd_calls_total", 'procedure="domain_define_xml"') > 0, page
assert total("bulkheadd_errors_total", 'error="noDomain"') > 0, page
assert samples["bulkheadd_call_seconds_count"] == total("bulkheadd_calls_total"), page
print("done")

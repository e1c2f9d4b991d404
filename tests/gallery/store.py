"""What was seen of each network, kept in a file, so that it can be judged without PyTorch.

`python -m gallery.store`, in the folder `tests`, looks at all of them anew and writes the file.
"""

import json
from dataclasses import MISSING, fields
from pathlib import Path

from vanishing.measurement.diagnosis import judge
from vanishing.measurement.readings import Reading

FILE = Path(__file__).with_name("readings.json")


def sparse(reading):
    """The fields that say something; numbers to 4 digits."""
    return {
        field.name: float(f"{value:.4g}") if isinstance(value, float) else value
        for field in fields(Reading)
        if (value := getattr(reading, field.name)) != field.default or field.default is MISSING
    }


def kept(seen):
    """The readings of a look, as JSON has them."""
    return {
        "layers": [sparse(reading) for reading in seen.readings],
        "steps": {
            name: {"losses": losses, "readings": [sparse(reading) for reading in readings]}
            for name, (readings, losses) in seen.steps.items()
        },
    }


def judged(record, over_time):
    """The diagnosis of a kept look, of its layers or of its last recurrent layer's steps."""
    if not over_time:
        return judge([Reading(**reading) for reading in record["layers"]])
    steps = list(record["steps"].values())[-1]
    readings = [Reading(**reading) for reading in steps["readings"]]
    return judge(readings, over="time", losses=steps["losses"])


def stored():
    """The kept look at each network, by name."""
    return json.loads(FILE.read_text("utf-8"))


def main():
    from gallery.networks import NETWORKS, seen

    lines = [f"{json.dumps(name)}: {json.dumps(kept(seen(name)))}" for name in NETWORKS]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()

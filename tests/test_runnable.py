"""The lines that Copy runnable copies: those that bind or may change what a block uses."""

import pytest
from engine.runnable import closure

COMMENT = "  # not copied"
NAMES = {
    "an import of two": "import os  # not copied\nimport sys\n---\nsys.argv",
    "a name bound twice": "x = 1  # not copied\nx = 2\n---\nx",
    "a name bound again": "x = 1  # not copied\n---\nx = 2\nx",
    "a sum": "x = 1\nx += 1\n---\nx",
    "what a function looks up": "def f():\n    return k\nk = 1\nj = 2  # not copied\n---\nf()",
    "a parameter": "def f(x):\n    return x\nx = 5  # not copied\n---\nf(1)",
    "a branch": "if c:\n    x = 1\nelse:\n    x = 2\nc = 1  # not copied\n---\nx",
    "a decorator": "@wrap\ndef f(): pass\n---\nf()",
    "a loop variable": "for n in (1, 2): print(n)  # not copied\n---\nfor n in (3, 4): print(n)",
    "a loop over what it binds": "n = 3\n---\nfor n in range(n): print(n)",
    "a comprehension's variable": "n = 3  # not copied\n---\n[n for n in range(2)]",
    "a comprehension's free name": "n = 3\n---\n[m + n for m in range(2)]",
    "an inner loop's variable": (
        "n = 3  # not copied\n---\nfor m in range(2):\n    for n in range(m): print(n)"
    ),
    "an inner loop's variable, used outside": (
        "n = 3\n---\nfor m in range(n):\n    for n in range(m): print(n)"
    ),
    "a name bound first in a loop": (
        "n = 3  # not copied\n---\nfor m in range(2):\n    n = m\n    print(n)"
    ),
    "a name bound last in a loop": ("n = 3\n---\nfor m in range(2):\n    print(n)\n    n = m"),
    "a name bound under a condition": (
        "n = 3\n---\nfor m in range(2):\n    if m: n = m\n    print(n)"
    ),
    "a sum in a loop": "n = 3\n---\nfor m in range(2): n += m",
    "a name that a with binds": "n = 3  # not copied\n---\nwith open('a') as n: print(n)",
    "a walrus": "print(x := 3)\n---\nx",
    "a walrus in a comprehension": "[x := n for n in range(2)]\n---\nx",
}
CHANGES = {
    # By statements
    "an item": "x = {}\nx['a'] = 1\n---\nx",
    "an item of an item": "x = {'a': {}}\nx['a']['b'] = 1\n---\nx",
    "a deleted item": (
        "x = {'a': 1}\ny = {}  # not copied\ndel x['a']\ndel y[0]  # not copied\n---\nx"
    ),
    "a sum on an item": "x = {'a': 1}\nx['a'] += 1\n---\nx",
    "a sum on an attribute": "x = make()\nx.a += 1\n---\nx",
    "a sum in place": "x = [1]\ny = x\ny += [2]\n---\nx",
    "a sum of numbers": "x = 1\ny = x  # not copied\ny += 1  # not copied\n---\nx",
    "a sum on an array's copy": (
        "import numpy as np\nx = np.ones(3)\ny = x * 2  # not copied\ny += 1  # not copied\n---\nx"
    ),
    # By methods
    "a method": "x = []\ny = []  # not copied\nx.append(1)\ny.append(2)  # not copied\n---\nx",
    "a method's arguments": "x = [1]\ny = []  # not copied\ny.append(x[0])  # not copied\n---\nx",
    "a method in an expression": "x = [1, 2]\ny = x.pop()\nz = x.index(2)  # not copied\n---\nx",
    "a method in a comprehension": "x = []\n[x.append(n) for n in range(3)]\n---\nx",
    "a method behind a condition": "x = []\nx or x.append(1)\n---\nx",
    "a method of a thing unknown": "x = make()\nx.start()\nn = x.size()  # not copied\n---\nx",
    "a chain of calls": "x = {}\nx.setdefault('a', []).append(1)\n---\nx",
    "a method that gives its own object": "x = make()\nx.part('a').clear()\n---\nx",
    "a dict's update": "x = {}\nx.update(a=1)\nlen(x)  # not copied\n---\nx",
    # By functions
    "a function for its effect": "from lib import shuffle\nx = [1, 2]\nshuffle(x)\n---\nx",
    "a function unknown": "from lib import mend\nx = [1, 2]\nmend(x)\n---\nx",
    "a function that asks": "from lib import f\nx = [1]\ny = f(x)  # not copied\n---\nx".replace(
        "from lib import f", "from lib import f  # not copied"
    ),
    "a print": "x = [1]\nprint(x, len(x), sorted(x))  # not copied\n---\nx",
    "setattr": "x = make()\nsetattr(x, 'a', 1)\n---\nx",
    "next": "x = iter('ab')\ny = next(x)\n---\nx",
    "heappop": "import heapq\nx = [1, 2]\ny = heapq.heappop(x)\n---\nx",
    "a module's state": "import numpy as np\nnp.random.seed(0)\n---\nnp.random.rand()",
    "settings in a module": "import lib\nlib.settings.update(a=1)\n---\nlib.f()",
    "pyplot": "import matplotlib.pyplot as plt\nplt.title('a')  # not copied\n---\nplt.plot([1])",
    "pyplot's data": (
        "import matplotlib.pyplot as plt  # not copied\nx = [1]\nplt.plot(x)  # not copied\n---\nx"
    ),
    "what is drawn": (
        "x = [1]\nfig, ax = subplots()  # not copied\nax.plot(x)  # not copied\n"
        "draw(x, ax=ax)  # not copied\n---\nx"
    ),
    "what is drawn on": (
        "x = [1]\nfig, ax = subplots()\nax.plot(x)\ndraw(x, ax=ax)\n---\nfig.savefig('a')"
    ),
    "a line that is drawn": "ax = draw(x)\nline, = ax.plot([1])\nline.set_color('r')\n---\nax",
    # By NumPy
    "fill_diagonal": "import numpy as np\nW = np.ones((2, 2))\nnp.fill_diagonal(W, 5)\n---\nW",
    "an import from NumPy": (
        "from numpy import copyto, ones\nx = ones(2)\ny = ones(2)\ncopyto(x, y)\n---\nx"
    ),
    "an import from NumPy, asked": (
        "from numpy import copyto, ones\nx = ones(2)  # not copied\ny = ones(2)\n"
        "copyto(x, y)  # not copied\n---\ny"
    ),
    "out": "import numpy as np\na = np.ones(2)\nc = np.ones(2)\nnp.multiply(a, a, out=c)\n---\nc",
    "out, asked for the operand": (
        "import numpy as np\na = np.ones(2)\nc = np.ones(2)  # not copied\n"
        "np.multiply(a, a, out=c)  # not copied\n---\na"
    ),
    "out, with its value used": (
        "import numpy as np\nc = np.ones(2)\nd = np.add(1, 1, out=c)\n---\nc"
    ),
    "ufunc.at": "import numpy as np\nx = np.ones(2)\nnp.add.at(x, [0], 1)\n---\nx",
    "a generator's shuffle": (
        "import numpy as np\nrng = np.random.default_rng(0)\nx = [1, 2]\nrng.shuffle(x)\n---\nx"
    ),
    "a pure NumPy function": (
        "import numpy as np\nx = np.ones(2)\nnp.testing.assert_equal(x, x)  # not copied\n---\nx"
    ),
    "a view": "import numpy as np\nx = np.ones(3)\ny = x[1:]\ny[0] = 5\n---\nx",
    "what is viewed": "import numpy as np\nx = np.ones(3)\ny = x[1:]\nx[1] = 5\n---\ny",
    "a transpose": "import numpy as np\nx = np.ones((3, 2))\ny = x.T\ny[0] = 5\n---\nx",
    "a reshaped view": (
        "import numpy as np\nx = np.ones(4)\ny = np.reshape(x, (2, 2))\ny[0] = 5\n---\nx"
    ),
    "asarray": "import numpy as np\nx = np.ones(4)\ny = np.asarray(x)\ny.fill(5)\n---\nx",
    "a copy": (
        "import numpy as np\nx = np.ones(3)\ny = x.copy()  # not copied\ny[0] = 5  # not copied\n"
        "z = np.array(x)  # not copied\nz[0] = 5  # not copied\n---\nx"
    ),
    "rows": "import numpy as np\nW = np.ones((2, 2))\nfor row in W: row[0] = 1\n---\nW",
    "numbered rows": (
        "import numpy as np\nW = np.ones((2, 2))\nfor n, row in enumerate(W): row[0] = n\n---\nW"
    ),
    "one of two in a loop over pairs": (
        "a = []\nb = []  # not copied\nfor x, y in ((b, a), (b, a)): x.append(1)  # not copied\n"
        "---\na"
    ),
    "views of one array": ("import numpy as np\nh, d = np.ones((2, 3))\nd /= 2\n---\nh"),
    "rows of a pair": (
        "a = [[1], [2]]\nb = [[1], [2]]\nfor x, y in zip(a, b): x[0] = y[0]\n---\na"
    ),
    # By names for the same
    "another name": "x = []\ny = x\ny.append(1)\n---\nx",
    "a name for a part": "x = {'a': []}\ny = x['a']\ny.append(1)\n---\nx",
    "a name that moved on": "x = []\ny = x\ny = []\ny.append(1)  # not copied\n---\nx".replace(
        "y = x\ny = []", "y = x  # not copied\ny = []  # not copied"
    ),
    "names that swap": "x = []\ny = []\nx, y = y, x\ny.append(1)\n---\nx, y",
    "a chain of names": "x = y = []\ny.append(1)\n---\nx",
    "a pair": "x = []\npair = (x, 1)\npair[0].append(1)\n---\nx",
    "a container": "x = []\nbox = {}\nbox['x'] = x\nbox['x'].append(1)\n---\nx",
    "a container that grew": "x = []\nbox = []\nbox.append(x)\nbox[0].append(1)\n---\nx",
    "what a container holds": "x = []\nbox = [x]\nx.append(1)\n---\nbox",
    "a shallow copy": ("x = [1]\ny = list(x)  # not copied\ny.append(1)  # not copied\n---\nx"),
    "a shallow copy's parts": "x = [[1]]\ny = list(x)\ny[0].append(1)\n---\nx",
    "an unpacked list": (
        "a = []\nb = []\nboth = [a, b]\nfirst, second = both\nfirst.append(1)\n---\na"
    ),
    "a choice": "x = []\ny = []\n(x if c else y).append(1)\n---\nx",
    "an alias in a loop": (
        "x = []\na = b = c = None\nfor n in range(4):\n    a = b\n    b = c\n    c = x\n"
        "    if a: a.append(1)\n---\nx"
    ),
    "a walrus's object": "x = []\n(y := x).append(1)\n---\nx",
    "what a function may give back": "x = make()\ny = mend(x)\ny[0] = 1\n---\nx",
    "a match": "x = {'a': []}\nmatch x:\n    case {'a': y}: y.append(1)\n---\nx",
    # In bodies
    "a loop": "x = []\nfor n in range(2): x.append(n)\n---\nx",
    "a condition": "x = []\nif True: x.append(1)\n---\nx",
    "a with": "x = []\nwith context() as c: x.append(1)\n---\nx",
    "a with's object": "x = make()\nwith x as c: c.append(1)\n---\nx",
    "a try": "x = []\ntry: pass\nfinally: x.append(1)\n---\nx",
    "a body that changes another": (
        "x = []\ny = []  # not copied\nif c: y.append(x)  # not copied\n---\nx"
    ),
    # By functions of the page
    "a function's parameter": "x = []\ndef f(a):\n    a.append(1)\nf(x)\n---\nx",
    "a function's other parameter": (
        "x = []\ndef f(a, b):  # not copied\n    a.append(b)\nf([], x)  # not copied\n---\nx"
    ),
    "a keyword": "x = []\ndef f(*, a):\n    a.append(1)\ny = f(a=x)\n---\nx",
    "arguments in a star": "x = []\ndef f(*a):\n    a[0].append(1)\nf(*[x])\n---\nx",
    "a default": "x = []\ndef f(a=x):\n    a.append(1)\nf()\n---\nx",
    "a global's object": "x = []\ndef f():\n    x.append(1)\nf()\n---\nx",
    "a global's name": "x = 1\ndef f():\n    global x\n    x = 2\nf()\n---\nx",
    "a function that reads": (
        "x = []\ndef f(a):  # not copied\n    return len(a)\nf(x)  # not copied\n---\nx"
    ),
    "a function that gives back": (
        "x = []\ndef f(a):\n    return a\ny = f(x)\ny.append(1)\n---\nx"
    ),
    "a function in a function": (
        "x = []\ndef f(a):\n    def g():\n        a.append(1)\n    g()\nf(x)\n---\nx"
    ),
    "a function through a function": (
        "x = []\ndef f(a):\n    a.append(1)\ndef g(a):\n    return f(a)\ny = g(x)\n---\nx"
    ),
    "a function by another name": "x = []\ndef f(a):\n    a.append(1)\ng = f\ng(x)\n---\nx",
    "a function handed over": (
        "from lib import apply\nx = []\ndef f(a):\n    x.append(a)\ny = apply(f, 1)\n---\nx"
    ),
    "a lambda": "x = []\nf = lambda: x.append(1)\ny = f()\n---\nx",
    "a lambda that is kept": "x = []\nf = make(lambda: x.append(1))\nz = run(f)\n---\nx",
    "a function that calls itself": (
        "x = []\ndef f(a, n):\n    a.append(n)\n    return n and f(a, n - 1)\nf(x, 3)\n---\nx"
    ),
    "what a counter remembers": (
        "def counter():\n    n = [0]\n    def step():\n        n[0] += 1\n        return n[0]\n"
        "    return step\nf = counter()\nf()\n"
        "g = counter()  # not copied\ng()  # not copied\n---\nf()"
    ),
    "what a function binds outside": (
        "def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return step\nf = counter()\na = f()\n---\nf()"
    ),
    "a parameter bound again": (
        "x = {'a': 1}\ndef f(a):  # not copied\n    a = {**a}\n    a.pop('a')\n"
        "f(x)  # not copied\n---\nx"
    ),
    "a parameter bound again in a loop": (
        "x = []\ndef f(a):\n    b = None\n    for n in range(2):\n        if b: b.append(n)\n"
        "        b = a\nf(x)\n---\nx"
    ),
    "a function handed over with its argument's name": (
        "from lib import explore\nx = [1]\nax = axes()  # not copied\n"
        "def draw(ax, x):  # not copied\n    ax.plot(x)\n"
        "explore(draw, ax=ax, x=x)  # not copied\n---\nx"
    ).replace("import explore", "import explore  # not copied"),
    "two of a kind": (
        "def build():\n    return [1]\na = build()\nb = build()  # not copied\n"
        "b.append(2)  # not copied\n---\na"
    ),
    # By classes of the page
    "a method of the page": (
        "class A:\n    def __init__(self): self.x = []\n    def add(self): self.x.append(1)\n"
        "    def last(self): return self.x[-1]\na = A()\nb = A()  # not copied\n"
        "v = a.add()\nw = a.last()  # not copied\nb.add()  # not copied\n---\na"
    ),
    "an object's argument": (
        "class A:\n    def __init__(self, x): self.x = x\n    def add(self): self.x.append(1)\n"
        "x = []\na = A(x)\na.add()\n---\nx"
    ),
    "an object's field": (
        "class A:\n    def __init__(self, x):\n        self.x, self.y = x, []\n"
        "x = []\na = A(x)  # not copied\na.y.append(1)  # not copied\n---\nx"
    ).replace("class A:", "class A:  # not copied"),
    "a class's attribute": "class A:\n    x = []\nA.x.append(1)\n---\nA()",
    "an object that is called": (
        "class A:\n    def __call__(self, x): x.append(1)\nx = []\na = A()\ny = a(x)\n---\nx"
    ),
    # What every use changes
    "a random generator": (
        "import numpy as np\nrng = np.random.default_rng(0)\na = rng.normal()\n"
        "b = 1  # not copied\nc = rng  # not copied\n---\nrng.normal()"
    ),
    "a random generator in a function": (
        "import numpy as np\nrng = np.random.default_rng(0)\ndef draw():\n    return rng.normal()\n"
        "a = draw()\n---\nrng.normal()"
    ),
    "a random generator that is not drawn from": (
        "import numpy as np\nrng = np.random.default_rng(0)\n"
        "def draw(): return rng.normal()  # not copied\n---\nrng.normal()"
    ),
    "a random generator that is held": (
        "import numpy as np\nrng = np.random.default_rng(0)\nmode = Mode(rng=rng)\n"
        "y = forward(mode)\nn = len([1])  # not copied\n---\nrng.normal()"
    ),
    "a random generator that made another": (
        "import numpy as np\nrng = np.random.default_rng(0)\nx = make(rng)\n"
        "y = rng.normal()  # not copied\n---\nx"
    ),
    "an iterator": "it = zip('ab', 'cd')\na, b = it\n---\nlist(it)",
    "a generator of the page": "def f():\n    yield 1\nit = f()\nfor n in it: break\n---\nlist(it)",
}


def parts(case: str) -> tuple[str, str, list[str]]:
    """The earlier block, the block, and the statements of the earlier one that it needs.

    An indented line belongs to the statement above it.
    """
    earlier, block = case.split("\n---\n")
    statements: list[str] = []
    for line in earlier.split("\n"):
        if statements and line.startswith((" ", "else", "finally")):
            statements[-1] += "\n" + line
        else:
            statements.append(line)
    needed = [statement for statement in statements if COMMENT not in statement]
    return earlier.replace(COMMENT, ""), block, needed


def copied(needed: list[str], block: str) -> str:
    return "\n".join([*needed, "", block] if needed else [block]) + "\n"


@pytest.mark.parametrize("name", [*NAMES, *CHANGES])
def test_a_closure_holds_exactly_the_lines_that_are_needed(name):
    earlier, block, needed = parts((NAMES | CHANGES)[name])
    assert closure([earlier], block) == copied(needed, block)


@pytest.mark.parametrize("name", CHANGES)
def test_each_statement_may_stand_in_a_block_of_its_own(name):
    earlier, block, needed = parts(CHANGES[name])
    everything = parts(CHANGES[name].replace(COMMENT, ""))[2]
    assert closure(everything, block) == copied(needed, block)


def test_the_run_may_tell_which_objects_every_use_changes():
    earlier = ["g = make()\na = g.draw()\nb = 1"]
    assert closure(earlier, "g.draw()") == "g = make()\n\ng.draw()\n"
    assert closure(earlier, "g.draw()", ["g"]) == "g = make()\na = g.draw()\n\ng.draw()\n"

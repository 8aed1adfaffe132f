"""Good agent files, and a table of bad ones: each says which lines are to be mended, and how."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from vivavoce.agent import Limits, ModelChoice, TurnPolicy
from vivavoce.agent.declaration import CallControl, Destination, OtherAgent, Spend, Voicemail, Webhook
from vivavoce.agent.file import load_agent, open_agent_file
from vivavoce.errors import AgentFileError

TOOLS = '''
import datetime
from typing import Literal


def book(size: Literal["small", "large"], day: datetime.date) -> dict[str, str]:
    """Book a thing."""
    return {"size": size, "day": day.isoformat()}


def untyped(size):
    """Has no type."""


CONSTANT = 3
'''

MINIMAL = 'name = "A"\ninstructions = "Help."\n'


def write(folder: Path, text: str, **files: str) -> Path:
    (folder / "tools.py").write_text(TOOLS)
    for name, content in files.items():
        (folder / f"{name}.md").write_text(content)
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def test_a_minimal_file_has_the_defaults_of_the_declaration(tmp_path: Path) -> None:
    agent = load_agent(write(tmp_path, MINIMAL))
    assert (agent.name, agent.instructions, agent.language, agent.version) == ("A", "Help.", "en-US", "")
    assert (agent.turns, agent.limits, agent.models) == (TurnPolicy(), Limits(), (ModelChoice("local"),))
    assert not agent.record
    assert not agent.tools
    assert not agent.knowledge


def test_every_key_arrives(tmp_path: Path) -> None:
    text = """
name = "A"
instructions = "You help {{ company }}."
language = "de-DE"
voice = "anna"
greeting = "Hello from {{ company }}."
farewell = "Bye."
knowledge = ["*.md", "a.md"]
[variables]
company = "Acme"
[[tools]]
function = "tools:book"
examples = ["a {size} one"]
questions = { day = "Which day?" }
reply = "{{ result.size }} on {{ day }}"
confirm = true
timeout_s = 2.5
[vocabulary]
large = ["big"]
[turns]
interruption = "never"
protect_greeting = true
endpoint_ms = 700
[limits]
silence_s = 10
call_s = 60.5
result_bytes = 1000
[[models]]
name = "other"
settings = { speed = 2 }
[[models]]
name = "local"
[recording]
keep = true
"""
    agent = load_agent(write(tmp_path, text, a="# A", b="# B"))
    assert (agent.greeting, agent.farewell, agent.voice) == ("Hello from Acme.", "Bye.", "anna")
    assert [(one.name, one.text) for one in agent.knowledge] == [("a.md", "# A"), ("b.md", "# B")]
    (tool,) = agent.tools
    assert (tool.name, tool.description, tool.timeout_ms, tool.confirm) == ("book", "Book a thing.", 2500, True)
    assert (tool.examples, tool.questions) == (("a {size} one",), {"day": "Which day?"})
    assert callable(tool.function)
    assert tool.function("small", dt.date(2026, 1, 2)) == {"size": "small", "day": "2026-01-02"}
    assert agent.vocabulary == {"large": ("big",)}
    assert agent.turns == TurnPolicy("never", True, 700)
    assert agent.limits == Limits(10_000, 60_500, 1000)
    assert agent.models == (ModelChoice("other", {"speed": 2}), ModelChoice("local"))
    assert agent.record


VERSIONS = """
name = "A"
[instructions]
default = "long"
[instructions.versions]
short = "Be brief."
long = { file = "long.md" }
"""


@pytest.mark.parametrize(
    ("version", "expected"), [(None, "At length, {{ x }}."), ("short", "Be brief."), ("long", "At length, {{ x }}.")]
)
def test_versions_of_the_instructions(tmp_path: Path, version: str | None, expected: str) -> None:
    path = write(tmp_path, VERSIONS, long="At length, {{ '{{ x }}' }}.\n")
    agent = load_agent(path, version=version)
    assert agent.instructions == expected
    assert agent.version == (version or "long")


def test_one_version_needs_no_default_and_instructions_may_be_a_file(tmp_path: Path) -> None:
    one = write(tmp_path, 'name = "A"\n[instructions.versions]\nonly = "Only."\n')
    assert load_agent(one).version == "only"
    file = write(tmp_path, 'name = "A"\n[instructions]\nfile = "i.md"\n', i="From a file.")
    assert load_agent(file).instructions == "From a file."


VARIABLES = """
name = "A"
instructions = "{{ plain }} {{ count + 1 }} {{ outside }} {{ given }}"
[variables]
plain = "p"
count = 2
outside = { env = "OUTSIDE", default = "d" }
given = { required = true, description = "Who calls." }
"""


def test_variables_come_from_the_file_the_environment_and_the_call(tmp_path: Path) -> None:
    path = write(tmp_path, VARIABLES)
    file = open_agent_file(path, environment={"OUTSIDE": "e", "OTHER": "x"})
    assert file.agent(variables={"given": "g"}).instructions == "p 3 e g"
    assert file.agent(variables={"given": "g", "outside": "o", "plain": "q"}).instructions == "q 3 o g"
    assert load_agent(path, variables={"given": "g"}).instructions == "p 3 d g"


def test_a_value_that_a_call_gives_is_text_and_never_a_template(tmp_path: Path) -> None:
    agent = load_agent(write(tmp_path, VARIABLES), variables={"given": "{{ plain }}"})
    assert agent.instructions.endswith("{{ plain }}")


# Each line of the second text is what one line of the error says, after the path.
BROKEN = [
    pytest.param('name = "A"\nname = "B"\n', ":2: not valid TOML: Cannot overwrite a value", id="toml twice"),
    pytest.param('name = "A\n', ":1: not valid TOML", id="toml open string"),
    pytest.param('name = "A"\n\nx = [1,\n', ":3: not valid TOML: Invalid value", id="toml end"),
    pytest.param("x = " + "[" * 5000, ": not valid TOML: nested too deep", id="toml deep"),
    pytest.param('instructions = "x"\n', ':1: "name" is missing (What the agent is called.)', id="no name"),
    pytest.param('name = ""\ninstructions = "x"\n', ':1: name must be something, not ""', id="empty name"),
    pytest.param(MINIMAL + 'greting = "x"\n', ':3: unknown key "greting" (did you mean greeting?)', id="typo"),
    pytest.param(
        MINIMAL + "zzz = 1\n", ':3: unknown key "zzz" (known here: apology, control, farewell, greeting', id="unknown"
    ),
    pytest.param(
        MINIMAL + "[turns]\nprotect_greetings = true\n",
        ':4: unknown key "protect_greetings" in turns (did you mean protect_greeting?)',
        id="typo in a table",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:book"\n[[tools]]\nfunction = "tools:book"\nconfrim = true\n',
        ':7: unknown key "confrim" in tools[1] (did you mean confirm?)',
        id="typo in the second tool",
    ),
    pytest.param(
        MINIMAL + '[variables]\nx = { enviroment = "X" }\n',
        ':4: unknown key "enviroment" in variables.x (known here: default, description, env, required)',
        id="typo in a variable",
    ),
    pytest.param(MINIMAL + "voice = 3\n", ":3: voice must be text in quotes, not 3", id="number for text"),
    pytest.param(
        'name = "A"\ninstructions = 3\n', ":2: instructions must be text or a table, not 3", id="text or table"
    ),
    pytest.param(MINIMAL + "knowledge = 'x.md'\n", ':3: knowledge must be a list in [ ], not "x.md"', id="no list"),
    pytest.param(
        MINIMAL + "knowledge = [\n  'x.md',\n  4,\n]\n", ":5: knowledge[1] must be text in quotes, not 4", id="element"
    ),
    pytest.param(MINIMAL + "tools = 3\n", ":3: tools must be a list in [ ], not 3", id="tools no list"),
    pytest.param(MINIMAL + "turns = 'x'\n", ':3: turns must be a table, not "x"', id="turns no table"),
    pytest.param(
        MINIMAL + "[turns]\ninterruption = 'models'\n",
        ":4: turns.interruption must be 'model', 'local', 'hybrid' or 'never', not \"models\" (did you mean model?)",
        id="choice",
    ),
    pytest.param(
        MINIMAL + "[turns]\ninterruption = 3\n",
        ":4: turns.interruption must be 'model', 'local', 'hybrid' or 'never', not 3",
        id="choice 3",
    ),
    pytest.param(
        MINIMAL + "[turns]\nendpoint_ms = 1.5\n", ":4: turns.endpoint_ms must be a whole number, not 1.5", id="whole"
    ),
    pytest.param(
        MINIMAL + "[turns]\nprotect_greeting = 1\n",
        ":4: turns.protect_greeting must be true or false, not 1",
        id="bool",
    ),
    pytest.param(
        MINIMAL + "[limits]\nsilence_s = 'long'\n", ':4: limits.silence_s must be a number, not "long"', id="number"
    ),
    pytest.param(MINIMAL + "[limits]\nsilence_s = 0\n", ":4: limits.silence_s must be at least 1", id="too little"),
    pytest.param(MINIMAL + "[limits]\ncall_s = 1e9\n", ":4: limits.call_s must be at most 86400", id="too much"),
    pytest.param(MINIMAL + "[limits]\ncall_s = nan\n", ":4: limits.call_s must be", id="nan"),
    pytest.param(MINIMAL + "models = []\n", ":3: models must be something, not []", id="no models"),
    pytest.param(
        MINIMAL + "[[models]]\nsettings = {}\n", ':3: "name" is missing in models[0]', id="model without name"
    ),
    pytest.param(
        MINIMAL + "language = 'English'\n",
        ':3: language must be a language tag such as "en-US", not "English"',
        id="language",
    ),
    pytest.param(
        MINIMAL + "[control]\nlanguages = ['de-DE', 'german']\n",
        ':4: control.languages[1] must be a language tag such as "en-US", not "german"',
        id="languages",
    ),
    pytest.param(
        MINIMAL + "[limits.spend]\nmost = '1 dollar'\n",
        ':4: limits.spend.most must be an amount such as "0.50", not "1 dollar"',
        id="amount",
    ),
    pytest.param(
        MINIMAL + "[[tools]]\nfunction = 't:f'\nprice = 'two'\n",
        ':5: tools[0].price must be an amount such as "0.002", not "two"',
        id="price",
    ),
    pytest.param(
        MINIMAL + "[limits.spend]\nmost = '1'\ndowngrade_to = 'nova'\n[[models]]\nname = 'local'\n",
        ':5: downgrade_to is "nova", which is no model of this agent (known here: local)',
        id="a model that is none",
    ),
    pytest.param(
        MINIMAL + "[limits.spend]\nmost = '1'\ndowngrade_to = 'local'\n[[models]]\nname = 'local'\n",
        ':5: downgrade_to is "local", which every call begins with (name one of the others)',
        id="the first model",
    ),
    pytest.param(
        MINIMAL + "[limits.spend]\nmost = '1'\nwarn_at = 1.0\n",
        ":5: limits.spend.warn_at must be less than 1.0, not 1.0",
        id="share",
    ),
    pytest.param(
        MINIMAL + "[variables]\n'my var' = 1\n",
        ":4: variables.my var must be a name of letters, digits and _",
        id="name",
    ),
    pytest.param(
        MINIMAL + "[variables]\nx = [1]\n", ":4: variables.x must be text, a number, true or false", id="list"
    ),
    pytest.param(MINIMAL + "[variables]\nx = {}\n", ":4: variables.x needs env, default, or required", id="no source"),
    pytest.param(
        MINIMAL + "[variables]\nx = { required = true, default = 1 }\n",
        ":4: variables.x is required and has a default",
        id="both",
    ),
    pytest.param('name = "A"\ninstructions = {}\n', ":2: instructions needs either file or versions", id="neither"),
    pytest.param(
        'name = "A"\n[instructions.versions]\na = "1"\nb = "2"\n', ":2: instructions needs default", id="no default"
    ),
    pytest.param(
        'name = "A"\n[instructions]\ndefault = "c"\n[instructions.versions]\na = "1"\nb = "2"\n',
        ':2: instructions default is "c", but the versions are a, b',
        id="unknown default",
    ),
    pytest.param(
        'name = "A"\n[instructions]\nfile = "gone.md"\n', ":3: PATH/gone.md: there is no such file", id="no template"
    ),
    pytest.param(
        'name = "A"\n[instructions.versions]\na = { file = "gone.md" }\n',
        ":3: PATH/gone.md: there is no such",
        id="version",
    ),
    pytest.param(MINIMAL + 'knowledge = ["x/*.md"]\n', ':3: no file is named "x/*.md"', id="no knowledge"),
    pytest.param(MINIMAL + 'knowledge = ["."]\n', ":3: PATH: this is a folder, not a file", id="knowledge folder"),
    pytest.param(
        'name = "A"\ninstructions = "{{ nam }}"\n[variables]\nname = "x"\n',
        ':2: the template uses "nam", which is not known here (did you mean name?)',
        id="unknown variable",
    ),
    pytest.param(
        'name = "A"\ninstructions = """\nOne.\nTwo {{ x }}."""\n',
        ':4: the template uses "x", which is not',
        id="third line",
    ),
    pytest.param(
        'name = "A"\ninstructions = """One.\n{% if %}"""\n', ":3: the template is broken: Expected", id="syntax"
    ),
    pytest.param(
        MINIMAL + 'greeting = "{{ 1 / 0 }}"\n', ":3: the template cannot be rendered: division", id="division"
    ),
    pytest.param(
        MINIMAL + "greeting = \"{{ ''.__class__.__mro__ }}\"\n",
        ":3: the template cannot be rendered",
        id="out of the box",
    ),
    pytest.param(
        MINIMAL + '[variables]\nx = { env = "X_URL" }\n',
        ':4: variable "x" has no value (set X_URL in the environment, or write a default)',
        id="env",
    ),
    pytest.param(
        MINIMAL + "[variables]\nx = { required = true }\n",
        ':4: variable "x" has no value (every call must give one)',
        id="call",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "book"\n',
        ':4: tools[0].function must be "module:function", such as',
        id="reference",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "toolz:book"\n',
        ":4: there is no module toolz (looked for PATH/toolz.py",
        id="module",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:bok"\n',
        ":4: there is no function bok in tools (did you mean book?)",
        id="function",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:CONSTANT"\n', ":4: CONSTANT in tools is not a function", id="constant"
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:untyped"\n',
        ':4: tools.py:11: untyped has a parameter "size" without a type: write size: str, or what it is',
        id="untyped",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:book"\n' * 2, ":6: there are two tools named book", id="twice"
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nname = "hold_call"\ndescription = "X."\nhttp = { url = "https://a.example/x" }\n',
        ":4: hold_call is the name of a built-in tool (give yours another)",
        id="built in",
    ),
    pytest.param(
        MINIMAL + '[control.agents.billing]\nfile = "billing.toml"\n',
        ":4: there is no billing.toml (paths begin in the folder of this file)",
        id="no agent",
    ),
    pytest.param(
        MINIMAL + '[control.transfer_webhook]\nurl = "https://a.example"\nsecret = { env = "NO_SUCH" }\n',
        ":5: the webhook's secret has no value (set NO_SUCH in the environment)",
        id="no secret",
    ),
    pytest.param(
        MINIMAL + '[limits.spend]\nmost = "0.00"\n', ":4: limits.spend.most must be more than nothing", id="nothing"
    ),
    pytest.param(
        MINIMAL + '[voicemail]\naction = "leave_message"\n', ":3: voicemail needs a message to leave", id="voicemail"
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:book"\nexamples = [\n  "ok",\n  "a {siz}",\n]\n',
        ':7: book has no parameter "siz" (did you mean size?)',
        id="slot",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:book"\nexamples = ["a {size"]\n',
        ":5: the braces do not match",
        id="brace",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:book"\n[tools.questions]\nsizes = "?"\n',
        ':6: book has no parameter "sizes" (did you mean size?)',
        id="question",
    ),
    pytest.param(
        MINIMAL + '[[tools]]\nfunction = "tools:book"\nreply = """\nYes.\n{{ reslt }}"""\n',
        ':7: the template uses "reslt", which is not known here (did you mean result?)',
        id="reply",
    ),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_file_says_which_line(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(AgentFileError) as caught:
        load_agent(path)
    message = str(caught.value)
    assert message.startswith(str(path) + expected.replace("PATH", str(tmp_path))), message
    assert "\n" not in message
    assert caught.value.where == str(path) + expected.split(": ", maxsplit=1)[0]


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = 'naem = "A"\ninstructions = "x"\n[limits]\ncall_s = "x"\nsilence_s = -1\n'
    with pytest.raises(AgentFileError) as caught:
        load_agent(write(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{tmp_path}/agent.toml").split(": ")[0] for line in lines] == [":1", ":1", ":4", ":5"]
    assert caught.value.where == f"{tmp_path}/agent.toml:1"


def test_problems_of_every_part_are_told_at_once_and_each_once(tmp_path: Path) -> None:
    text = """
name = "A"
instructions = "{{ a }} {{ b }}"
greeting = "{{ c }}"
knowledge = ["gone.md"]
[[tools]]
function = "gone:book"
[[tools]]
function = "tools:gone"
"""
    with pytest.raises(AgentFileError) as caught:
        load_agent(write(tmp_path, text), variables={"x": "1"}, version="v9")
    places = [line.removeprefix(f"{tmp_path}/agent.toml:")[0] for line in str(caught.value).splitlines()]
    assert sorted(places) == ["1", "3", "3", "3", "4", "5", "7", "9"]
    assert 'there is no variable "x"' in str(caught.value)
    assert 'there is no version "v9" (the instructions have no versions)' in str(caught.value)


def test_a_problem_in_a_template_file_points_into_that_file(tmp_path: Path) -> None:
    path = write(tmp_path, VERSIONS, long="One.\nTwo {{ y }}.\n")
    with pytest.raises(AgentFileError, match=r"long\.md:2: the template uses \"y\"") as caught:
        load_agent(path, version="short")
    assert caught.value.where == f"{tmp_path}/long.md:2"


def test_an_unknown_version_names_the_known_ones(tmp_path: Path) -> None:
    file = open_agent_file(write(tmp_path, VERSIONS, long="x"))
    with pytest.raises(AgentFileError, match=r'agent.toml:3: there is no version "lon" \(did you mean long\?\)'):
        file.agent(version="lon")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match=r"there is no such file \(vivavoce init makes a new one\)"):
        load_agent(tmp_path / "agent.toml")
    with pytest.raises(AgentFileError, match="this is a folder, not a file"):
        load_agent(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "A"\nvoice = "\xe9"\n')
    with pytest.raises(AgentFileError, match=r"is not UTF-8 text \(line 2\)"):
        load_agent(path)
    path.write_bytes(b"#" * 1_048_577)
    with pytest.raises(AgentFileError, match="is larger than 1048576 bytes"):
        load_agent(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "A"\r\ninstructions = """\r\nOne\r\n{{ x }}"""\r\n')
    with pytest.raises(AgentFileError) as caught:
        load_agent(path)
    assert caught.value.where == f"{path}:4"


def test_empty_knowledge_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match=r"agent.toml:3: .*empty.md: is empty"):
        load_agent(write(tmp_path, MINIMAL + 'knowledge = ["empty.md"]\n', empty=" \n"))


def test_all_about_the_talk_arrives(tmp_path: Path) -> None:
    text = """
name = "A"
instructions = "Help."
tenant = "acme"
[[tools]]
function = "tools:book"
price = "0.002"
[limits]
reprompts = ["Hello?"]
reprompt_s = 12.5
warning = "Soon."
warning_s = 30
[limits.spend]
most = "0.50"
warning = "Dear."
warn_at = 0.5
downgrade_at = 0.4
downgrade_to = "nova-2-sonic"
[[models]]
name = "nova-2-5-sonic"
[[models]]
name = "nova-2-sonic"
[turns]
interruption = "hybrid"
decide_ms = 300
[control]
collect_digits = true
send_digits = true
hold = true
hold_s = 90
notes = true
languages = ["de-DE"]
[control.transfer.desk]
to = "+15550100"
description = "Anything else."
warm = true
[control.transfer_webhook]
url = "https://pbx.example.com/x"
secret = { env = "HOOK" }
[control.agents.other]
file = "agent.toml"
description = "The other one."
[voicemail]
action = "leave_message"
message = "Call back."
"""
    path = write(tmp_path, text)
    agent = load_agent(path, environment={"HOOK": "whsec"})
    spend = Spend(Decimal("0.50"), "USD", "Dear.", 0.5, downgrade_at=0.4, downgrade_to="nova-2-sonic")
    assert (agent.tenant, agent.tools[0].price) == ("acme", Decimal("0.002"))
    assert agent.limits == Limits(
        reprompts=("Hello?",), reprompt_ms=12_500, warning="Soon.", warning_ms=30_000, spend=spend
    )
    assert (agent.turns.interruption, agent.turns.decide_ms) == ("hybrid", 300)
    assert agent.control == CallControl(
        transfer=(Destination("desk", "+15550100", "Anything else.", warm=True),),
        transfer_webhook=Webhook("https://pbx.example.com/x", "whsec"),
        collect_digits=True,
        send_digits=True,
        hold=True,
        hold_ms=90_000,
        notes=True,
        languages=("de-DE",),
        agents=(OtherAgent("other", path, "The other one."),),
    )
    assert "whsec" not in repr(agent)
    assert agent.voicemail == Voicemail("leave_message", "Call back.")
    assert [tool.name for tool in agent.tools] == [
        "book",
        "transfer_call",
        "collect_digits",
        "send_digits",
        "hold_call",
        "switch_agent",
        "switch_language",
        "leave_note",
    ]

"""HTTP tools and MCP servers in an agent file: good ones, and a table of bad ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vivavoce.agent.check import check_agent
from vivavoce.agent.declaration import Agent, Tool
from vivavoce.agent.file import load_agent
from vivavoce.agent.outside import HttpEndpoint, ListedTool, Listing, McpFunction, McpServer, Slot
from vivavoce.errors import AgentFileError, NotAvailable

BEGINNING = 'name = "A"\ninstructions = "Help."\n'
ENVIRONMENT = {"TOKEN": "t0ken", "BROKEN": "a\nb", "EMPTY": ""}


def http(rest: str, url: str = "https://api.example.com/x") -> str:
    return f'[[tools]]\nname = "look"\ndescription = "Looks."\n[tools.http]\nurl = "{url}"\n{rest}\n'


class Servers:
    """Answers for MCP servers, and keeps who was asked."""

    def __init__(self, *listings: Listing) -> None:
        self._listings = listings
        self.asked: list[McpServer] = []

    def __call__(self, servers: Sequence[McpServer]) -> Sequence[Listing]:
        self.asked += servers
        return self._listings


def listed(name: str, description: str = "Does it.", **properties: dict[str, Any]) -> ListedTool:
    return ListedTool(name, description, {"type": "object", "properties": properties})


def load(folder: Path, text: str, *listings: Listing) -> Agent:
    path = folder / "agent.toml"
    path.write_text(BEGINNING + text)
    return load_agent(path, environment=ENVIRONMENT, ask_servers=Servers(*listings))


def one_tool(folder: Path, text: str) -> tuple[Tool, HttpEndpoint]:
    (tool,) = load(folder, text).tools
    assert isinstance(tool.function, HttpEndpoint)
    return tool, tool.function


def test_an_endpoint_with_all_its_keys(tmp_path: Path) -> None:
    text = http(
        'method = "POST"\n'
        'query = { lang = "en", number = 7, sure = true, key = { env = "TOKEN" }, who = "{name}" }\n'
        'body = { lines = [{ article = "{article}", note = "for {name}" }], source = "phone" }\n'
        'headers = { Authorization = { env = "TOKEN", prefix = "Bearer " }, Accept = "text/plain" }\n'
        "[tools.parameters]\n"
        'name = "Who it is for."\n'
        'article = { enum = ["lamp", "table"], default = "lamp", required = false }\n',
        "https://API.example.com:8443/shops/{name}/orders?a=b%20c&d={name}",
    )
    tool, endpoint = one_tool(tmp_path, text)
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Who it is for."},
            "article": {"type": "string", "enum": ["lamp", "table"], "default": "lamp"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    name = Slot("name")
    assert (endpoint.method, endpoint.origin) == ("POST", "https://api.example.com:8443")
    assert endpoint.path == ("/shops/", name, "/orders")
    assert dict(endpoint.query) == {
        "a": ("b c",),
        "d": (name,),
        "lang": ("en",),
        "number": ("7",),
        "sure": ("true",),
        "key": ("t0ken",),
        "who": (name,),
    }
    assert endpoint.body == {
        "lines": [{"article": (Slot("article"),), "note": ("for ", name)}],
        "source": ("phone",),
    }
    assert dict(endpoint.headers) == {"Authorization": "Bearer t0ken", "Accept": "text/plain"}
    assert endpoint.defaults == {"article": "lamp"}
    assert "t0ken" not in repr(tool)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_in_the_url_goes_into_the_query(tmp_path: Path, method: str) -> None:
    rest = f'method = "{method}"\n[tools.parameters]\na = "A."\nb = "B."\n'
    _, endpoint = one_tool(tmp_path, http(rest, "https://h/{a}"))
    assert (endpoint.query, endpoint.body) == ((("b", (Slot("b"),)),), None)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_or_else_into_the_body(tmp_path: Path, method: str) -> None:
    rest = f'method = "{method}"\n[tools.parameters]\na = "A."\nb = "B."\nc = "C."\n'
    _, endpoint = one_tool(tmp_path, http(rest, "https://h/{a}?x={c}"))
    assert (endpoint.query, endpoint.body) == ((("x", (Slot("c"),)),), {"b": (Slot("b"),)})


def test_every_kind_of_parameter(tmp_path: Path) -> None:
    rest = (
        "[tools.parameters]\n"
        'code = { spoken = "digits", length = 4 }\n'
        'days = { format = "date", many = true, description = "The days." }\n'
        'count = { type = "integer", enum = [1, 2], required = false }\n'
    )
    tool, _ = one_tool(tmp_path, http(rest))
    assert tool.parameters["properties"] == {
        "code": {"type": "string", "x-spoken": "digits", "minLength": 4, "maxLength": 4},
        "days": {"type": "array", "items": {"type": "string", "format": "date"}, "description": "The days."},
        "count": {"type": "integer", "enum": [1, 2]},
    }
    assert tool.parameters["required"] == ["code", "days"]


def test_every_setting_of_a_tool_arrives(tmp_path: Path) -> None:
    text = (
        '[[tools]]\nname = "look"\ndescription = "Looks."\nidempotent = true\nattempts = 4\nlead_in = "One moment."\n'
        'lead_in_s = 0.7\nprogress = ["Still.", "Soon."]\nprogress_s = 4\nsupersedable = true\napproval = true\n'
        'approval_s = 30\nresult_bytes = 500\ntimeout_s = 2.5\nconfirm = true\nhttp = { url = "https://h/x" }\n'
    )
    tool, _ = one_tool(tmp_path, text)
    assert (tool.idempotent, tool.attempts, tool.timeout_ms, tool.confirm) == (True, 4, 2500, True)
    assert (tool.lead_in, tool.lead_in_ms, tool.progress, tool.progress_ms) == (
        "One moment.", 700, ("Still.", "Soon."), 4000,
    )  # fmt: skip
    assert (tool.supersedable, tool.approval, tool.approval_ms, tool.result_bytes) == (True, True, 30_000, 500)
    assert one_tool(tmp_path, text.replace("attempts = 4\n", ""))[0].attempts == 3
    assert one_tool(tmp_path, http(""))[0].attempts == 1


SERVER = '[mcp.crm]\nurl = "https://crm.example.com/mcp"\n'


def test_a_server_is_asked_once_and_its_tools_have_the_files_settings(tmp_path: Path) -> None:
    text = (
        '[mcp.crm]\ncommand = "crm"\nargs = ["--fast"]\nenv = { CRM_TOKEN = { env = "TOKEN" }, MODE = "calm" }\n'
        'allow = ["find.one", "note"]\nprefix = "crm_"\ntimeout_s = 3\nconnect_s = 2\n'
        '[mcp.crm.tools."find.one"]\nidempotent = true\ndescription = "Ours."\nreply = "{{ result }} {{ who }}"\n'
        "[mcp.crm.tools.note]\ntimeout_s = 20\n"
    )
    servers = Servers((listed("find.one", who={"type": "string"}), listed("note"), listed("delete_all")))
    path = tmp_path / "agent.toml"
    path.write_text(BEGINNING + text)
    find, note = load_agent(path, environment=ENVIRONMENT, ask_servers=servers).tools
    (server,) = servers.asked
    assert (server.name, server.command, server.folder) == ("crm", ("crm", "--fast"), tmp_path.resolve())
    assert dict(server.variables) == {"CRM_TOKEN": "t0ken", "MODE": "calm"}
    assert server.connect_ms == 2000
    assert (find.name, find.description, find.timeout_ms, find.attempts) == ("crm_find_one", "Ours.", 3000, 3)
    assert (note.name, note.description, note.timeout_ms, note.attempts) == ("crm_note", "Does it.", 20_000, 1)
    assert find.function == McpFunction(server, "find.one")
    assert "t0ken" not in repr(find)


def test_all_of_a_servers_tools_may_be_allowed(tmp_path: Path) -> None:
    agent = load(tmp_path, SERVER + 'allow = ["*"]\n', (listed("a"), listed("b")))
    assert [tool.name for tool in agent.tools] == ["a", "b"]


BAD: list[Any] = [
    pytest.param("[[tools]]\n", ':3: tools[0] needs either function = "module:function" or http', id="neither"),
    pytest.param(
        '[[tools]]\nfunction = "t:f"\nname = "x"\n',
        ":3: tools[0] has name, but a function says that itself",
        id="named",
    ),
    pytest.param(
        '[[tools]]\nhttp = { url = "https://h/x" }\n',
        ":3: tools[0] is an HTTP tool and needs name and description",
        id="nameless",
    ),
    pytest.param(http("", "ftp://h/x"), ":7: tools[0].http.url must be an address such as", id="scheme"),
    pytest.param(http("", "https://u:p@h/x"), ":7: tools[0].http.url must be an address such as", id="user"),
    pytest.param(http("", "https://{host}/x"), ":7: tools[0].http.url must be an address such as", id="host"),
    pytest.param(http("", "https://h/{nr}"), ':7: the tool has no parameter "nr"', id="parameter"),
    pytest.param(http("", "https://h/{nr"), ":7: the braces do not match", id="braces"),
    pytest.param(
        http('body = { a = "x" }\n[tools.parameters]\nwho = "Who."'),
        ':6: the parameter "who" is used nowhere',
        id="unused",
    ),
    pytest.param(
        http('headers = { Authorization = "Bearer abc" }'),
        ":8: Authorization is a secret and may not stand in the file (write Authorization = { env",
        id="secret",
    ),
    pytest.param(
        http("", "https://h/x?api_key=abc"), ":7: api_key is a secret and may not stand in the file", id="secret in url"
    ),
    pytest.param(
        http('headers = { X-Key = { env = "GONE" } }'),
        ":8: X-Key has no value (set GONE in the environment)",
        id="unset",
    ),
    pytest.param(http('headers = { X-Key = { env = "EMPTY" } }'), ":8: X-Key has no value", id="empty"),
    pytest.param(
        http('headers = { X-Key = { env = "BROKEN" } }'), ":8: X-Key is no value of a header", id="line break"
    ),
    pytest.param(http('headers = { Host = "x" }'), ":8: Host is not yours to set", id="reserved"),
    pytest.param(http('method = "TRACE"'), ":8: tools[0].http.method must be 'GET', 'POST'", id="method"),
    pytest.param(
        '[[tools]]\nname = "x"\ndescription = "X."\nattempts = 2\nhttp = { url = "https://h/x" }\n',
        ":3: tools[0] has attempts but is not idempotent",
        id="attempts",
    ),
    pytest.param(
        http('[tools.parameters]\na = { type = "integer", spoken = "digits" }'),
        ":9: tools[0].parameters.a is no string",
        id="spoken",
    ),
    pytest.param(http("[tools.parameters]\na = { enum = [1] }"), ":9: tools[0].parameters.a has an enum", id="enum"),
    pytest.param(
        http('[tools.parameters_schema]\nproperties = { a = { "$ref" = "https://h/s.json" } }'),
        ":8: the schema refers to another document",
        id="reference",
    ),
    pytest.param('[mcp.crm]\nallow = ["*"]\n', ":3: mcp.crm needs either command or url", id="no way"),
    pytest.param(SERVER, ':3: "allow" is missing in mcp.crm', id="no list"),
    pytest.param(SERVER + 'allow = ["*"]\nargs = ["x"]\n', ":3: mcp.crm has a url: args and env are for", id="args"),
    pytest.param(SERVER + 'allow = ["*"]\nheaders = { X-Token = "abc" }\n', ":6: X-Token is a secret", id="mcp secret"),
    pytest.param(SERVER + 'allow = ["a", "c"]\n', ':5: the MCP server crm has no tool "c"', id="no such tool"),
    pytest.param(SERVER + 'allow = ["odd"]\n', ":3: odd: the schema refers to another document", id="odd schema"),
    pytest.param(SERVER + 'allow = ["mute"]\n', ":3: mute: the server says nothing about it", id="mute"),
    pytest.param(
        SERVER + f'allow = ["a"]\nprefix = "{"x" * 64}"\n', "the name is longer than 64 characters", id="long name"
    ),
    pytest.param(
        f'{SERVER}allow = ["a"]\n{http("").replace("look", "a")}', ": there are two tools named a (give", id="twice"
    ),
]
LISTING = (
    listed("a"),
    listed("b"),
    listed("odd", x={"$ref": "http://192.0.2.1/x"}),
    listed("mute", ""),
)


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_wrong_is_told_with_its_line(
    text: str, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(AgentFileError) as raised:
        load(tmp_path, text, LISTING)
    assert message in str(raised.value)
    for secret in ("t0ken", "abc", "a\nb"):
        assert secret not in str(raised.value).replace("api.example", "")
        assert secret not in caplog.text


def test_a_server_that_is_not_to_be_had_is_named_and_all_else_is_proved_too(tmp_path: Path) -> None:
    text = f'{SERVER}allow = ["a"]\n[mcp.other]\ncommand = "other"\nargs = ["-v"]\nallow = ["*"]\n'
    path = tmp_path / "agent.toml"
    path.write_text(BEGINNING + text)
    servers = Servers("cannot be reached", (listed("b"),))
    report = check_agent(path, ask_servers=servers)
    crm, other = (proof for proof in report.proofs if proof.subject.startswith("mcp "))
    assert (crm.subject, crm.holds) == ("mcp crm", False)
    assert ":3: the MCP server crm cannot be reached (is it running" in str(crm.problems[0])
    assert (other.subject, other.detail, other.holds) == ("mcp other", "b", True)

    def nothing_here(servers: Sequence[McpServer]) -> Sequence[Listing]:
        raise NotAvailable("MCP servers need the package mcp, which is not here", hint="pip install it")

    for ask, message in ((nothing_here, "need the package mcp"), (None, "nobody asks MCP servers")):
        report = check_agent(path, ask_servers=ask)
        assert not report.holds
        assert [message in str(problem) for proof in report.proofs for problem in proof.problems] == [True, True]


def test_a_server_with_something_wrong_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(f'{BEGINNING}{SERVER}allow = ["a"]\nheaders = {{ X-Key = {{ env = "GONE" }} }}\n')
    servers = Servers()
    assert not check_agent(path, ask_servers=servers).holds
    assert servers.asked == []


def test_without_the_packages_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AgentFileError, match=r"need the package httpx.*\(pip install 'vivavoce\[tools\]'\)"):
        load(tmp_path, http(""))

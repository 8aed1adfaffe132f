"""Proves an agent file on this machine and says what was found: what ``vivavoce check`` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.agent.file import NOTHING, AgentFile, prove_file
from vivavoce.agent.outside import AskServers
from vivavoce.agent.problems import Problem, Proof

ModelProblem = Callable[[Agent | None, ModelChoice], str]
"""Says why a model cannot be used here, for this agent as far as its file is good; empty if it can."""


@dataclass(frozen=True, slots=True)
class Report:
    """Every proof in the order it was made. ``agent`` is there if the file is good, whatever this machine lacks;
    ``holds`` if it can also take calls here: at least one of its models can be used, as far as models were looked
    at."""

    path: Path
    proofs: tuple[Proof, ...]
    agent: Agent | None
    holds: bool


def check_agent(
    path: Path | str,
    *,
    variables: Mapping[str, str] = NOTHING,
    version: str | None = None,
    environment: Mapping[str, str] = NOTHING,
    model_problem: ModelProblem | None = None,
    why_no_ear: Callable[[], str] | None = None,
    ask_servers: AskServers | None = None,
) -> Report:
    """Proves everything an agent file names; never raises for what is wrong with the file.

    Without ``model_problem`` models are not looked at, nor without ``why_no_ear`` whether the policy of turns can be
    had; an agent with MCP servers needs ``ask_servers``. A variable that every call must give, and that is not among
    ``variables``, is tried with a stand-in.
    """
    file, found = prove_file(path, environment=environment, ask_servers=ask_servers)
    proofs = list(found)
    if file is None:
        return Report(Path(path), tuple(proofs), None, holds=False)
    agent = _prove_rendering(file, proofs, variables, version)
    models: list[Proof] = []
    if model_problem:
        models = [_model_proof(file, agent, index, model_problem) for index in range(len(file.shape.models))]
    if why_no_ear and agent is not None and agent.turns.listens:
        models.insert(0, _ear_proof(file, agent, why_no_ear()))
    usable = all(proof.holds for proof in models if proof.subject == "turns") and (
        not model_problem or any(proof.holds for proof in models if proof.subject != "turns")
    )
    return Report(Path(path), (*proofs, *models), agent, holds=agent is not None and usable)


def _ear_proof(file: AgentFile, agent: Agent, reason: str) -> Proof:
    if not reason:
        return Proof("turns", f"{agent.turns.interruption}: the voice detector is here")
    return Proof("turns", "", (Problem(file.source.where("turns", "interruption"), reason),))


def _prove_rendering(
    file: AgentFile, proofs: list[Proof], variables: Mapping[str, str], version: str | None
) -> Agent | None:
    stand_ins = {name: f"<{name}>" for name in file.given_per_call() if name not in variables}
    agent, problems = file.rendered({**stand_ins, **variables}, version)
    known = {problem for proof in proofs for problem in proof.problems}
    tried = f", with stand-ins for {', '.join(stand_ins)}" if stand_ins else ""
    new = tuple(problem for problem in problems if problem not in known)
    proofs.append(Proof("rendering", f"the templates render{tried}", new))
    return None if known or new else agent


def _model_proof(file: AgentFile, agent: Agent | None, index: int, model_problem: ModelProblem) -> Proof:
    table = file.shape.models[index]
    reason = model_problem(agent, ModelChoice(table.name, table.settings))
    subject = f"model {table.name}"
    if not reason:
        return Proof(subject, "can be used here")
    return Proof(subject, "", (Problem(file.source.where("models", index, "name"), reason),))

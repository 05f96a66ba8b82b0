"""The command line: a table of commands, each in its own file under streams/commands, imported when it is called.

A mistake in settings or input ends in one sentence and exit code 1 or 2; no stack trace reaches a user.
"""

from __future__ import annotations

import errno
import importlib
import io
import logging
import os
import sys
import tempfile
import traceback

import click

from streams.interrupts import by_exception

# command -> (module, attribute, one line for --help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("streams.commands.demo", "demo", "A simulated book through real Kafka and ClickHouse."),
    "dev": ("streams.commands.dev", "dev", "Kafka, the ClickHouse engine and the workers, on loopback."),
    "worker": ("streams.commands.worker", "worker", "The workers of a cluster."),
    "topics": (
        "streams.commands.topics",
        "topics",
        "The table of topics, compared with the cluster or created.",
    ),
    "migrate": ("streams.commands.migrate", "migrate", "The tables of the store, made or checked."),
    "import": (
        "streams.commands.importer",
        "import_",
        "A ledger or a file of events, onto the history topic.",
    ),
    "simulate": (
        "streams.commands.simulate",
        "simulate",
        "A seeded book of events, and the truth beside it.",
    ),
    "backtest": ("streams.commands.backtest", "backtest", "The same agents over a file, without a broker."),
    "tick": ("streams.commands.control", "tick", "The clock: one day's tick."),
    "policy": ("streams.commands.control", "policy", "Check, compare and adopt a policy."),
    "dead-letters": (
        "streams.commands.dead_letters",
        "dead_letters",
        "What was refused, why, and once more.",
    ),
    "status": ("streams.commands.status", "status", "Lag, freshness by feed, dead letters, open alerts."),
    "audit": (
        "streams.commands.audit",
        "audit",
        "Refolds the journal and compares states, outputs and ClickHouse with it.",
    ),
    "explain": (
        "streams.commands.explain",
        "explain",
        "An alert or a proposal taken apart, or why an account does not alert.",
    ),
    "rebuild": (
        "streams.commands.rebuild",
        "rebuild",
        "The journal folded anew in another namespace, and what differs.",
    ),
    "restore-offsets": (
        "streams.commands.restore_offsets",
        "restore_offsets",
        "Where intake and the monitor go on, after a pause too long for Kafka.",
    ),
    "schemas": ("streams.commands.schemas", "schemas", "Writes the JSON Schemas and the AsyncAPI document."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bellwether")
def cli() -> None:
    """bellwether: which customer account is turning, why, and what its limit should become."""
    from streams import logs

    logs.configure("console", logging.ERROR)  # to stderr; a worker says more, see commands/worker.py
    by_exception()


def main() -> None:
    """One sentence for every failure, the exit code for every caller; no stack trace reaches a user.

    The door before it, which answers Ctrl-C during the imports, is streams/entry.py.
    """
    from confluent_kafka import KafkaError, KafkaException
    from stamina.instrumentation import set_on_retry_hooks

    from streams.errors import Refused

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no ≥ shows a ? in its place
    set_on_retry_hooks([])  # what is tried again says so once, where it is tried, not at every try
    try:
        code = cli.main(prog_name="bellwether", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except Refused as error:
        click.echo(f"bellwether: {error}", err=True)
        sys.exit(1)
    except KafkaException as error:
        wrong = "Kafka does not answer as it should"
        if error.args[0].code() == KafkaError._INVALID_ARG:
            wrong = "a setting for Kafka is wrong; is it one of BELLWETHER_KAFKA_CONFIG?"
        click.echo(f"bellwether: {wrong}: {error.args[0].str()}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        _say_no_more()
        sys.exit(1)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            click.echo(f"bellwether: {error.filename or 'the output'}: {error.strerror}; make room", err=True)
            _say_no_more()
            sys.exit(1)
        click.echo(f"bellwether: {_kept(error)}", err=True)
        sys.exit(70)
    if isinstance(code, int):
        sys.exit(code)


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _say_no_more() -> None:
    """What is left in the buffer of stdout goes nowhere, in place of a second error at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _kept(error: Exception) -> str:
    """Puts the stack trace of a fault of ours into a file; the sentence that says so."""
    what = f"a fault of ours: {type(error).__name__}: {error}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="bellwether-", suffix=".txt", delete=False) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return what
    return f"{what}; the details are in {file.name}, please report them"

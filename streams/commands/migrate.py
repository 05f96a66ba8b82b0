"""`bellwether migrate`: the tables of the store, made or compared with the files.

How stands in streams/store/migrate.py, what they are in deploy/clickhouse/.
"""

from __future__ import annotations

import click

from streams.commands.options import settings


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 and name what differs from the files.")
def migrate(check: bool) -> None:
    """Make the tables of the store, or bring them up to date; running it again does nothing."""
    from streams.dev.processes import locate
    from streams.store.client import database_name, named
    from streams.store.migrate import differences
    from streams.store.migrate import migrate as apply
    from streams.store.retention import otherwise, retain, wanted

    config = settings()
    dsn = locate(config).clickhouse
    wanted(config.store_days)  # refused before anything is touched
    where = f"{database_name(dsn, config.namespace)} on {named(dsn)}"
    if check:
        found = differences(dsn, config.namespace) or otherwise(dsn, config.namespace, config.store_days)
        for line in found:
            click.echo(line)
        if found:
            raise click.exceptions.Exit(1)
        click.echo(f"{where} is as the files say")
        return
    applied = apply(dsn, config.namespace)
    for name in applied:
        click.echo(f"applied {name}")
    for line in retain(dsn, config.namespace, config.store_days):
        click.echo(line)
    click.echo(f"{where} is up to date")

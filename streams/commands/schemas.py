"""`bellwether schemas`: writes the JSON Schemas and the AsyncAPI document, or says that they are out of date.

What they hold is made in schemas/contract.py.
"""

from __future__ import annotations

import click

from streams.errors import Refused


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file differs from the models.")
def schemas(check: bool) -> None:
    """Write the JSON Schemas and the AsyncAPI document of the contract."""
    from schemas import contract

    if check:
        wrong = contract.differences()
        if wrong:
            raise Refused(
                f"{', '.join(wrong)} in {contract.HERE}: not what the models make; run `bellwether schemas` and commit"
            )
        click.echo("the schemas are up to date")
        return
    try:
        changed = contract.write()
    except OSError as error:
        raise Refused(
            f"{error.filename}: cannot be written ({error.strerror}); run it in a checkout"
        ) from error
    for path in changed:
        click.echo(f"schemas/{path}")
    click.echo(f"{len(changed)} of {len(contract.generated())} files changed")

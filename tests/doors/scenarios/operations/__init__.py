"""How the use cases of each noun are done through each door.

A module `<noun>.py` has `OPERATIONS`, by the name of the use case:

    OPERATIONS = {
        "roles.get": Operation(
            rest=lambda door, fields: door.call("GET", f"/v1/roles/{fields['name']}"),
            graphql=lambda door, fields: deep_snake(
                door.call("query ($name: String!) { role(name: $name) { name } }", **fields)
            ),
            cli=lambda door, fields: door.run("roles", "show", fields["name"]),
        ),
    }

Scenarios call `door.do("roles.get", name="editor")` and stand in `test_<noun>.py`.
"""

from django.db import migrations

INSTALL = """
CREATE TABLE offerhub_clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    ahead interval NOT NULL DEFAULT interval '0' CHECK (ahead >= interval '0')
);
INSERT INTO offerhub_clock DEFAULT VALUES;
CREATE FUNCTION offerhub_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT now() + ahead FROM offerhub_clock $$;
"""

REMOVE = "DROP FUNCTION offerhub_now(); DROP TABLE offerhub_clock;"


class Migration(migrations.Migration):
    """The product's clock: the database's own, plus what the sandbox's clock was advanced by."""

    dependencies = [("marketplaces", "0001_initial")]
    operations = [migrations.RunSQL(INSTALL, REMOVE)]

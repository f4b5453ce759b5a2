-- The escrow provider's limit, kept by the database. `cap` requests are let through in any `span`;
-- time is the server's real clock, read after the bucket's row is locked. Decision 16.

-- The instants of the last span, oldest first. A clock that was set back makes none younger than now.
CREATE FUNCTION offerhub_budget_used(used timestamptz[], span interval, moment timestamptz)
RETURNS timestamptz[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY(
        SELECT LEAST(u, moment) FROM unnest(used) AS u WHERE u > moment - span ORDER BY 1
    )
$$;

-- What is kept free for the first lane.
CREATE FUNCTION offerhub_budget_kept(cap integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
    $$ SELECT cap / 10 $$;

-- Take `wanted` requests for an operation, or say when to come again and remember that it waits.
-- `later` more will be wanted by the steps after it. `can_go` is false while its account is busy.
-- Both outputs are null when it is busy and has no turn to keep.
CREATE FUNCTION offerhub_take_turn(
    the_subject text, the_operation text, the_marketplace text, asked_lane integer,
    wanted integer, later integer, can_go boolean, cap integer, span interval,
    OUT granted timestamptz, OUT pause double precision
) LANGUAGE plpgsql AS $$
DECLARE
    bucket budget_bucket;
    turn budget_turn;
    moment timestamptz;
    recent timestamptz[];
    open integer;          -- requests that this lane may still take now
    usual integer := cap - offerhub_budget_kept(cap);
    pace interval := span * wanted / usual;
    is_paced boolean;
    is_owed boolean := false;
    ahead bigint := 0;     -- requests that go first
    lanes integer[];
BEGIN
    IF NOT can_go AND NOT EXISTS (SELECT FROM budget_turn WHERE subject = the_subject) THEN
        RETURN;
    END IF;
    SELECT * INTO bucket FROM budget_bucket WHERE id = 1 FOR UPDATE;
    moment := clock_timestamp();
    recent := offerhub_budget_used(bucket.used, span, moment);
    SELECT * INTO turn FROM budget_turn WHERE subject = the_subject;
    IF turn.subject IS NULL OR asked_lane < turn.lane THEN
        turn.subject := the_subject;
        turn.marketplace_id := the_marketplace;
        turn.lane := asked_lane;
        turn.since := COALESCE(turn.since, moment);
        -- Behind what the marketplace has in the lane, and not before where the lane is: at the
        -- first plan that waits or was served lately (one that is stuck does not count).
        turn.tag := wanted + later + GREATEST(
            LEAST(bucket.reached[asked_lane], (
                SELECT tag - requests - rest FROM budget_turn
                WHERE lane = asked_lane AND ready_at <= moment
                    AND (waiting OR since > moment - interval '30 seconds')
                ORDER BY tag, subject LIMIT 1)),
            (SELECT max(tag) FROM budget_turn
             WHERE lane = asked_lane AND marketplace_id = the_marketplace));
    END IF;
    is_paced := turn.lane >= 3;

    -- A lane that nine times as much went past is owed a turn: its first one goes before all.
    IF bucket.passed[turn.lane] >= 9 * wanted THEN
        is_owed := NOT EXISTS (
            SELECT FROM budget_turn WHERE waiting AND lane = turn.lane AND ready_at <= moment
                AND (tag, subject) < (turn.tag, turn.subject));
    END IF;
    open := CASE WHEN turn.lane = 1 OR is_owed THEN cap ELSE usual END - cardinality(recent);
    IF bucket.blocked_until > moment THEN
        pause := extract(epoch FROM bucket.blocked_until - moment);
    ELSIF open < wanted THEN
        pause := extract(epoch FROM recent[LEAST(wanted - open, cardinality(recent))] + span - moment);
    ELSIF NOT can_go THEN
        pause := 0.25;
    ELSIF is_paced AND bucket.paced_until > moment THEN
        pause := extract(epoch FROM bucket.paced_until - moment);
    ELSIF NOT is_owed THEN
        SELECT COALESCE(sum(requests), 0) INTO ahead FROM budget_turn
        WHERE waiting AND ready_at <= moment AND subject <> the_subject
            AND (lane, tag, subject) < (turn.lane, turn.tag, turn.subject);
        SELECT ahead + COALESCE(sum(first.requests), 0) INTO ahead
        FROM generate_series(turn.lane + 1, 4) AS below, LATERAL (
            SELECT requests FROM budget_turn
            WHERE waiting AND lane = below AND ready_at <= moment ORDER BY tag, subject LIMIT 1
        ) AS first
        WHERE bucket.passed[below] >= 9 * first.requests
            AND (below < 3 OR bucket.paced_until IS NULL OR bucket.paced_until <= moment);
        IF open - ahead < wanted THEN
            pause := 0.1;
        ELSIF is_paced AND EXISTS (
            SELECT FROM budget_turn
            WHERE waiting AND ready_at <= moment AND lane >= 3 AND subject <> the_subject
                AND (lane, tag, subject) < (turn.lane, turn.tag, turn.subject)
        ) THEN
            pause := extract(epoch FROM pace);
        END IF;
    END IF;

    IF pause IS NULL THEN
        granted := moment;
        SELECT COALESCE(array_agg(below), '{}') INTO lanes
        FROM generate_series(turn.lane + 1, 4) AS below
        WHERE EXISTS (
            SELECT FROM budget_turn WHERE waiting AND lane = below AND ready_at <= moment
                AND subject <> the_subject);
        FOR below IN turn.lane + 1 .. 4 LOOP
            IF below = ANY (lanes) THEN
                bucket.passed[below] := bucket.passed[below] + wanted;
            END IF;
        END LOOP;
        bucket.passed[turn.lane] := 0;
        bucket.reached[turn.lane] := GREATEST(bucket.reached[turn.lane], turn.tag);
        UPDATE budget_bucket SET
            used = recent || array_fill(moment, ARRAY[wanted]),
            paced_until = CASE
                WHEN is_paced THEN
                    GREATEST(paced_until, moment - GREATEST(2 * pace, interval '2 seconds')) + pace
                ELSE paced_until END,
            passed = bucket.passed, reached = bucket.reached
        WHERE id = 1;
        IF later = 0 THEN
            DELETE FROM budget_turn WHERE subject = the_subject;
            RETURN;
        END IF;
        turn.since := moment;  -- what its next steps will want is known, and its place is kept
    ELSIF can_go THEN
        -- What goes first takes its time, too: at an even pace, or as soon as the limit allows.
        SELECT GREATEST(pause, extract(epoch FROM span) / usual * GREATEST(0,
            COALESCE(sum(w.requests + w.rest), 0)
            + CASE WHEN is_paced THEN 0 ELSE wanted - GREATEST(open, 0) END)
            + CASE WHEN is_paced AND bucket.paced_until > moment
                THEN extract(epoch FROM bucket.paced_until - moment) ELSE 0 END)
        INTO pause FROM budget_turn w
        WHERE w.subject <> the_subject
            AND (w.lane, w.tag, w.subject) < (turn.lane, turn.tag, turn.subject);
    END IF;
    INSERT INTO budget_turn
        (subject, operation, marketplace_id, lane, requests, rest, tag, waiting, ready_at, since)
    VALUES (the_subject, the_operation, the_marketplace, turn.lane,
        CASE WHEN granted IS NULL THEN wanted ELSE 0 END, later, turn.tag, granted IS NULL,
        CASE WHEN can_go THEN moment ELSE moment + interval '0.25 seconds' END, turn.since)
    ON CONFLICT (subject) DO UPDATE SET
        operation = excluded.operation, lane = excluded.lane, requests = excluded.requests,
        rest = excluded.rest, tag = excluded.tag, waiting = excluded.waiting,
        ready_at = excluded.ready_at, since = excluded.since;
END $$;

-- Take `wanted` requests at once, out of turn, or say in how many seconds there may be some. For what
-- an open envelope needs, and for what a page of the desk reads.
CREATE FUNCTION offerhub_take_requests(
    wanted integer, cap integer, span interval, OUT granted timestamptz, OUT pause double precision
) LANGUAGE plpgsql AS $$
DECLARE
    bucket budget_bucket;
    moment timestamptz;
    recent timestamptz[];
    open integer;
BEGIN
    SELECT * INTO bucket FROM budget_bucket WHERE id = 1 FOR UPDATE;
    moment := clock_timestamp();
    recent := offerhub_budget_used(bucket.used, span, moment);
    open := cap - cardinality(recent);
    IF bucket.blocked_until > moment THEN
        pause := extract(epoch FROM bucket.blocked_until - moment);
    ELSIF open < wanted THEN
        pause := extract(epoch FROM recent[wanted - open] + span - moment);
    ELSE
        granted := moment;
        UPDATE budget_bucket SET
            used = recent || array_fill(moment, ARRAY[wanted])
        WHERE id = 1;
    END IF;
END $$;

-- A request that was taken at `taken` is sent only now: it counts from now on.
CREATE FUNCTION offerhub_use_later(
    taken timestamptz, cap integer, span interval, OUT granted timestamptz,
    OUT pause double precision
) LANGUAGE plpgsql AS $$
DECLARE
    place integer;
    moment timestamptz;
BEGIN
    SELECT array_position(used, taken) INTO place FROM budget_bucket WHERE id = 1 FOR UPDATE;
    IF place IS NULL THEN
        SELECT t.granted, t.pause INTO granted, pause FROM offerhub_take_requests(1, cap, span) t;
        RETURN;
    END IF;
    moment := clock_timestamp();
    UPDATE budget_bucket SET used = used[:place - 1] || used[place + 1:] || moment WHERE id = 1;
    granted := moment;
END $$;

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "SearchState" AS ENUM ('queued', 'running', 'paused', 'stopping', 'completed', 'cancelled', 'failed');

-- CreateEnum
CREATE TYPE "EvaluationState" AS ENUM ('waiting', 'running', 'complete', 'pruned', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "Outcome" AS ENUM ('scored', 'diverged');

-- CreateEnum
CREATE TYPE "FailureReason" AS ENUM ('oom', 'timeout', 'invalid', 'worker-lost', 'internal');

-- CreateTable
CREATE TABLE "searches" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "state" "SearchState" NOT NULL DEFAULT 'queued',
    "reason" TEXT,
    "config" JSONB NOT NULL,
    "algorithm_state" JSONB NOT NULL,
    "next_number" INTEGER NOT NULL DEFAULT 0,
    "proposed" INTEGER NOT NULL DEFAULT 0,
    "told" INTEGER NOT NULL DEFAULT 0,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "reference_point" JSONB,
    "hypervolume" DOUBLE PRECISION,
    "active_seconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "active_since" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "api_key_id" TEXT NOT NULL,
    "idempotency_key" TEXT,
    "idempotency_digest" TEXT,

    CONSTRAINT "searches_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "candidates" (
    "id" TEXT NOT NULL,
    "search_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "generation" INTEGER NOT NULL,
    "genome" TEXT NOT NULL,
    "genome_hash" TEXT NOT NULL,
    "known_design" TEXT,
    "parents" INTEGER[],
    "variation" JSONB NOT NULL,
    "parameters" DOUBLE PRECISION NOT NULL,
    "state_bytes" DOUBLE PRECISION NOT NULL,
    "flops_per_token" DOUBLE PRECISION NOT NULL,
    "feasible" BOOLEAN NOT NULL DEFAULT true,
    "state" "EvaluationState" NOT NULL DEFAULT 'waiting',
    "outcome" "Outcome",
    "reason" "FailureReason",
    "message" TEXT,
    "score" DOUBLE PRECISION,
    "task_scores" JSONB NOT NULL DEFAULT '{}',
    "train_seconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "told_order" INTEGER,
    "hypervolume" DOUBLE PRECISION,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "candidates_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "evaluations" (
    "id" TEXT NOT NULL,
    "search_id" TEXT NOT NULL,
    "candidate_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "task" TEXT NOT NULL,
    "setting" JSONB NOT NULL,
    "result_key" TEXT NOT NULL,
    "seed" BIGINT NOT NULL,
    "state" "EvaluationState" NOT NULL DEFAULT 'waiting',
    "outcome" "Outcome",
    "reason" "FailureReason",
    "message" TEXT,
    "score" DOUBLE PRECISION,
    "metrics" JSONB NOT NULL DEFAULT '{}',
    "curve" JSONB NOT NULL DEFAULT '[]',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "fence" BIGINT NOT NULL DEFAULT 0,
    "worker_id" TEXT,
    "lease_expires_at" TIMESTAMPTZ(3),
    "engine" TEXT,
    "train_seconds" DOUBLE PRECISION,
    "reused_from" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "evaluations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL,
    "search_id" TEXT,
    "type" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifacts" (
    "id" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "bytes" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "artifacts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifact_chunks" (
    "artifact_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "content" BYTEA NOT NULL,

    CONSTRAINT "artifact_chunks_pkey" PRIMARY KEY ("artifact_id","position")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "api_key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workers" (
    "id" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "engine" TEXT NOT NULL,
    "concurrency" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "draining" BOOLEAN NOT NULL DEFAULT false,
    "stopped_at" TIMESTAMPTZ(3),

    CONSTRAINT "workers_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "searches_created_at_id_idx" ON "searches"("created_at", "id");

-- CreateIndex
CREATE INDEX "searches_state_idx" ON "searches"("state");

-- CreateIndex
CREATE UNIQUE INDEX "searches_api_key_id_idempotency_key_key" ON "searches"("api_key_id", "idempotency_key");

-- CreateIndex
CREATE INDEX "candidates_search_id_state_idx" ON "candidates"("search_id", "state");

-- CreateIndex
CREATE INDEX "candidates_search_id_genome_hash_idx" ON "candidates"("search_id", "genome_hash");

-- CreateIndex
CREATE UNIQUE INDEX "candidates_search_id_number_key" ON "candidates"("search_id", "number");

-- CreateIndex
CREATE UNIQUE INDEX "candidates_search_id_told_order_key" ON "candidates"("search_id", "told_order");

-- CreateIndex
CREATE INDEX "evaluations_result_key_state_idx" ON "evaluations"("result_key", "state");

-- CreateIndex
CREATE INDEX "evaluations_search_id_state_reason_idx" ON "evaluations"("search_id", "state", "reason");

-- CreateIndex
CREATE UNIQUE INDEX "evaluations_candidate_id_position_key" ON "evaluations"("candidate_id", "position");

-- CreateIndex
CREATE INDEX "events_search_id_id_idx" ON "events"("search_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_digest_key" ON "api_keys"("digest");

-- CreateIndex
CREATE INDEX "sessions_expires_at_idx" ON "sessions"("expires_at");

-- AddForeignKey
ALTER TABLE "candidates" ADD CONSTRAINT "candidates_search_id_fkey" FOREIGN KEY ("search_id") REFERENCES "searches"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_search_id_fkey" FOREIGN KEY ("search_id") REFERENCES "searches"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_candidate_id_fkey" FOREIGN KEY ("candidate_id") REFERENCES "candidates"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifact_chunks" ADD CONSTRAINT "artifact_chunks_artifact_id_fkey" FOREIGN KEY ("artifact_id") REFERENCES "artifacts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What the Prisma schema cannot say: partial indexes for the rows that are looked for all the time, and invariants.

CREATE INDEX "candidates_untold_idx" ON "candidates"("search_id", "number") WHERE "told_order" IS NULL;

CREATE INDEX "evaluations_waiting_idx" ON "evaluations"("created_at") WHERE "state" = 'waiting';

CREATE INDEX "evaluations_leased_idx" ON "evaluations"("lease_expires_at") WHERE "state" = 'running';

ALTER TABLE "searches"
    ADD CONSTRAINT "searches_counters_check" CHECK (0 <= "told" AND "told" <= "next_number" AND 0 <= "proposed" AND "proposed" <= "next_number"),
    ADD CONSTRAINT "searches_active_check" CHECK (("state" IN ('running', 'stopping')) = ("active_since" IS NOT NULL)),
    ADD CONSTRAINT "searches_finished_check" CHECK (("state" IN ('completed', 'cancelled', 'failed')) = ("finished_at" IS NOT NULL));

ALTER TABLE "candidates"
    ADD CONSTRAINT "candidates_outcome_check" CHECK (("state" = 'complete') = ("outcome" IS NOT NULL)),
    ADD CONSTRAINT "candidates_score_check" CHECK (("state" = 'complete') = ("score" IS NOT NULL) AND "score" BETWEEN 0 AND 1),
    ADD CONSTRAINT "candidates_reason_check" CHECK (("state" = 'failed') = ("reason" IS NOT NULL)),
    ADD CONSTRAINT "candidates_finished_check" CHECK (("state" IN ('waiting', 'running')) = ("finished_at" IS NULL)),
    ADD CONSTRAINT "candidates_told_check" CHECK ("told_order" IS NULL OR "finished_at" IS NOT NULL);

ALTER TABLE "evaluations"
    ADD CONSTRAINT "evaluations_lease_check" CHECK (("state" = 'running') = ("lease_expires_at" IS NOT NULL)),
    ADD CONSTRAINT "evaluations_outcome_check" CHECK (("state" = 'complete') = ("outcome" IS NOT NULL)),
    ADD CONSTRAINT "evaluations_score_check" CHECK (("state" = 'complete') = ("score" IS NOT NULL) AND "score" BETWEEN 0 AND 1),
    ADD CONSTRAINT "evaluations_reason_check" CHECK (("state" = 'failed') = ("reason" IS NOT NULL)),
    ADD CONSTRAINT "evaluations_finished_check" CHECK (("state" IN ('waiting', 'running')) = ("finished_at" IS NULL));

ALTER TABLE "artifacts"
    ADD CONSTRAINT "artifacts_id_check" CHECK ("id" ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT "artifacts_bytes_check" CHECK ("bytes" >= 0);
